#include "dcap/qe_identity.h"

#include "dcap/report.h"
#include "fuzz.h"

#define NOW     INT64_C(1780536131)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t zeroes[ENCLAVE_REPORT_LEN];
	CBS in = cbs_bytes(BYTES_OF(zeroes));
	const struct isv_level *level;
	struct enclave_report report;
	struct reason why = { 0 };
	struct qe_identity qe;

	if (!fuzz_sense(qe_identity_read(&qe, (struct bytes){ data, len }, fuzz_arena(), &why),
	    &why))
		return 0;
	fuzz_must(qe.nlevels <= TCB_MAX_LEVELS, "too many levels");
	fuzz_must(enclave_report_read(&report, &in, &why), "a report");
	(void)fuzz_sense(qe_identity_window_check(&qe, NOW, &why), &why);
	(void)fuzz_sense(qe_identity_check(&qe, DV_TEE_TDX, &why), &why);
	(void)fuzz_sense(qe_identity_check(&qe, DV_TEE_SGX, &why), &why);
	(void)fuzz_sense(qe_identity_report_check(&qe, &report, &why), &why);
	if (fuzz_sense(qe_identity_level_find(&level, &qe, 4, &why), &why))
		fuzz_must(level->isv_svn <= 4, "a level that is not reached");
	return 0;
}
