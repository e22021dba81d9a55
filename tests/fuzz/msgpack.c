/* The primitives of MessagePack, chosen one by one by the input, on the rest of the input. */
#include "core/msgpack.h"

#include "fuzz.h"

#define TEXT_MAX        300

static bool
value_read(unsigned which, CBS *in, struct reason *why)
{
	struct bytes span = { 0 };
	uint64_t number;
	uint32_t count;
	bool ok;

	switch (which % 7) {
	case 0:
		ok = msgpack_map_read(&count, in, why);
		fuzz_must(!ok || count <= CBS_len(in) / 2, "more pairs than bytes");
		return ok;
	case 1:
		ok = msgpack_array_read(&count, in, why);
		fuzz_must(!ok || count <= CBS_len(in), "more elements than bytes");
		return ok;
	case 2:
		ok = msgpack_text_read(&span, in, TEXT_MAX, why);
		break;
	case 3:
		ok = msgpack_u64_read(&number, in, UINT32_MAX, why);
		fuzz_must(!ok || number <= UINT32_MAX, "more than the maximum");
		return ok;
	case 4:
		ok = msgpack_bytes_read(&span, fuzz_arena(), in, TEXT_MAX, why);
		break;
	case 5:
		(void)msgpack_nil_take(in);
		return true;
	default:
		return msgpack_skip(in, MSGPACK_MAX_DEPTH, why);
	}
	fuzz_must(!ok || span.len <= TEXT_MAX, "more than the maximum");
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	const uint8_t first = fuzz_choice(&in), second = fuzz_choice(&in);
	CBS cbs = cbs_bytes(in);
	struct reason why = { 0 };

	for (size_t i = 0; CBS_len(&cbs) != 0 && i <= len; i++)
		if (!fuzz_sense(value_read(i % 2 == 0 ? first : second, &cbs, &why), &why))
			break;
	return 0;
}
