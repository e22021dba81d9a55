-- load.lua - what each of wrk's threads does, with its one connection: asks, and compares
--
-- Its arguments are the directory of the bodies, NNNNN.body and NNNNN.answer beside one another,
-- how many there are, and how many threads.  A thread has every threads-th of them in turn.  One
-- connection without pipelining: an answer is the one to the last request.

local threads = {}

function setup(thread)
	thread:set("id", #threads)
	table.insert(threads, thread)
end

local function read(name)
	local file = assert(io.open(name, "rb"))
	local text = file:read("*a")
	file:close()
	return text
end

function init(args)
	local dir, bodies, stride = args[1], tonumber(args[2]), tonumber(args[3])
	requests, answers, at = {}, {}, 0
	wrong, seen = 0, 0
	for i = id % bodies, bodies - 1, stride do
		local name = string.format("%s/%05d", dir, i)
		table.insert(requests, wrk.format("POST", "/verify", nil, read(name .. ".body")))
		table.insert(answers, read(name .. ".answer"))
	end
end

function request()
	at = at % #requests + 1
	return requests[at]
end

function response(status, headers, body)
	seen = seen + 1
	if status ~= 200 or body ~= answers[at] then
		wrong = wrong + 1
	end
end

function done(summary, latency, requests)
	local wrong, seen, e = 0, 0, summary.errors
	for _, thread in ipairs(threads) do
		wrong = wrong + thread:get("wrong")
		seen = seen + thread:get("seen")
	end
	print(string.format("result %d %d %d %d %.0f %.0f", summary.duration, seen, wrong,
	    e.connect + e.read + e.write + e.status + e.timeout,
	    latency:percentile(50), latency:percentile(99)))
end
