/* The primitives of CBOR, chosen one by one by the input, on the rest of the input. */
#include "core/cbor.h"

#include "fuzz.h"

#define TEXT_MAX        300

static bool
value_read(unsigned which, CBS *in, struct reason *why)
{
	struct bytes whole = bytes_cbs(in), span = { 0 };
	uint8_t fixed[4];
	uint64_t number;
	uint32_t count;
	bool ok, flag;

	switch (which % 9) {
	case 0:
		ok = cbor_map_read(&count, in, why);
		fuzz_must(!ok || count <= CBS_len(in) / 2, "more pairs than bytes");
		return ok;
	case 1:
		ok = cbor_array_read(&count, in, why);
		fuzz_must(!ok || count <= CBS_len(in), "more elements than bytes");
		return ok;
	case 2:
		ok = cbor_text_read(&span, in, TEXT_MAX, why);
		break;
	case 3:
		ok = cbor_bytes_read(&span, in, TEXT_MAX, why);
		break;
	case 4:
		return cbor_fixed_read(fixed, sizeof fixed, in, why);
	case 5:
		ok = cbor_u64_read(&number, in, UINT32_MAX, why);
		fuzz_must(!ok || number <= UINT32_MAX, "more than the maximum");
		return ok;
	case 6:
		return cbor_bool_read(&flag, in, why);
	case 7:
		(void)cbor_null_take(in);
		return true;
	default:
		return cbor_skip(in, CBOR_MAX_DEPTH, why);
	}
	fuzz_must(!ok || span.len <= TEXT_MAX, "more than the maximum");
	fuzz_within(span, whole);
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	const uint8_t first = fuzz_choice(&in), second = fuzz_choice(&in);
	CBS cbs = cbs_bytes(in);
	struct reason why = { 0 };

	for (size_t i = 0; CBS_len(&cbs) != 0; i++)
		if (!fuzz_sense(value_read(i % 2 == 0 ? first : second, &cbs, &why), &why) ||
		    i == len)
			break;
	why = (struct reason){ 0 };
	(void)fuzz_sense(cbor_end_check(&cbs, &why), &why);
	return 0;
}
