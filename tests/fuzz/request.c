#include "evidence/request.h"

#include "evidence/attestation.h"
#include "fuzz.h"

static void
evidence_try(const struct request *request, struct arena *arena)
{
	enum request_form form;
	struct evidence evidence;
	struct reason why = { 0 };
	static const uint8_t report_data[REPORT_DATA_LEN];

	if (!fuzz_sense(request_form(&form, request, &why), &why))
		return;
	switch (form) {
	case REQUEST_ATTESTATION:
		(void)fuzz_sense(attestation_read(&evidence, arena, request->attestation.value,
		    &why), &why);
		break;
	case REQUEST_QUOTE:
		(void)fuzz_sense(attestation_from_quote(&evidence, arena, request->quote.value,
		    BYTES_OF(report_data), request->event_log.value, request->vm_config.value,
		    &why), &why);
		break;
	}
}

/* The first byte says whether JSON may stand for itself where text of JSON is usual. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes body = { data, len };
	const bool lenient = (fuzz_choice(&body) & 1) != 0;
	struct arena *arena = fuzz_arena();
	struct reason why = { 0 };
	struct request request;
	int status = 0;

	if (fuzz_sense(request_read(&request, arena, body, lenient, &status, &why), &why)) {
		fuzz_must(status == 200, "no success");
		evidence_try(&request, arena);
	} else {
		fuzz_must(why.kind == REASON_MALFORMED ? status == 400 || status == 422 :
		    status == 200, "a status that does not go with the reason");
		fuzz_must(request_outer_len(&why) <= strlen(why.text), "the outermost text");
	}
	return 0;
}
