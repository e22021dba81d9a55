/*
 * Payloads of frames.  The first byte says which message; there is one way to write each, so
 * what was read is written as it was.
 */
#include "ipc/message.h"

#include "fuzz.h"

/* Reads a message of one struct, and writes it. */
#define MESSAGE(name, type, read_args, write_args)                              \
	static bool                                                             \
	name##_again(CBB *out, CBS *in, struct reason *why)                     \
	{                                                                       \
		type m = { 0 };                                                 \
		struct bytes rest = { 0 };                                      \
		                                                                \
		if (!fuzz_sense(message_##name##_read read_args, why))          \
			return false;                                           \
		fuzz_must(message_##name##_write write_args &&                  \
		    CBB_add_bytes(out, rest.ptr, rest.len), "out of memory");   \
		return true;                                                    \
	}

MESSAGE(job, struct job_head, (&m, &rest, in, why), (out, &m))
MESSAGE(verdict, struct verdict_head, (&m, &rest, in, why), (out, &m))
MESSAGE(fact, struct fact_message, (&m, in, why), (out, &m))
MESSAGE(checked, struct checked_message, (&m, in, why), (out, &m))
MESSAGE(failed, struct dv_failure, (&m, in, why), (out, &m))
MESSAGE(worker_config, struct worker_config, (&m, fuzz_arena(), in, why), (out, &m))
MESSAGE(acceptor_config, struct acceptor_config, (&m, in, why), (out, &m))
MESSAGE(fetcher_config, struct fetcher_config, (&m, fuzz_arena(), in, why), (out, &m))
MESSAGE(worker, struct worker_message, (&m, in, why), (out, &m))
MESSAGE(stuck, uint32_t, (&m, in, why), (out, m))
MESSAGE(ready, struct ready_message, (&m, in, why), (out, &m))
MESSAGE(names, struct names_message, (&m, in, why), (out, &m))
MESSAGE(record, struct record_message, (&m, in, why), (out, &m))
MESSAGE(registers, struct registers_message, (&m, in, why), (out, &m))
MESSAGE(unpacked, struct unpacked_message, (&m, in, why), (out, &m))
MESSAGE(images, struct images_message, (&m, in, why), (out, &m))
MESSAGE(images_done, struct images_done_message, (&m, in, why), (out, &m))
MESSAGE(progress, struct progress_message, (&m, in, why), (out, &m))

static bool
need_again(CBB *out, CBS *in, struct reason *why)
{
	struct dv_key keys[DV_NEEDS_MAX];
	size_t n;

	if (!fuzz_sense(message_need_read(keys, &n, in, why), why))
		return false;
	fuzz_must(n >= 1 && n <= DV_NEEDS_MAX, "number of keys");
	fuzz_must(message_need_write(out, keys, n), "out of memory");
	return true;
}

static bool (*const messages[])(CBB *, CBS *, struct reason *) = {
	job_again, verdict_again, need_again, fact_again, checked_again, failed_again,
	worker_config_again, acceptor_config_again, fetcher_config_again, worker_again,
	stuck_again, ready_again, names_again, record_again, registers_again,
	unpacked_again, images_again, images_done_again, progress_again,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	const unsigned which = fuzz_choice(&in) % NELEM(messages);
	CBS cbs = cbs_bytes(in);
	struct reason why = { 0 };
	CBB cbb;

	fuzz_must(CBB_init(&cbb, 0), "out of memory");
	if (messages[which](&cbb, &cbs, &why))
		fuzz_wrote(&cbb, in);
	else
		CBB_cleanup(&cbb);
	return 0;
}
