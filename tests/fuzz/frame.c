#include "ipc/frame.h"

#include "fuzz.h"

/* The first two bytes are who sends and who receives. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	const unsigned from = fuzz_choice(&in), to = fuzz_choice(&in);
	CBS cbs = cbs_bytes(in);
	struct reason why = { 0 };
	struct frame frame;
	CBB cbb;

	if (!fuzz_sense(frame_read(&frame, &cbs, from, to, &why), &why))
		return 0;
	fuzz_must(frame.len <= frame_max_len(frame.type) && frame.nfds <= FRAME_MAX_FDS,
	    "more than the table has");
	fuzz_must(frame_name(frame.type)[0] != '\0', "no name");
	fuzz_must(CBS_len(&cbs) == in.len - FRAME_HEAD_LEN, "a head of another length");
	fuzz_must(CBB_init(&cbb, 0) && frame_write(&cbb, &frame), "out of memory");
	fuzz_wrote(&cbb, (struct bytes){ in.ptr, FRAME_HEAD_LEN });
	return 0;
}
