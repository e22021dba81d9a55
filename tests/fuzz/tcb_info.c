#include "dcap/tcb_info.h"
#include "fuzz.h"

#define NOW     INT64_C(1780536131)

static void
module_check(const struct tdx_module *module)
{
	fuzz_must(module->nlevels <= TCB_MAX_LEVELS, "too many levels");
	for (unsigned svn = 0; svn < 256; svn += 5)
		(void)isv_level_find(module->levels, module->nlevels, svn);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t fmspc[6] = { 0x90, 0xc0, 0x6f }, pce_id[2];
	struct reason why = { 0 };
	struct tcb_info tcb;

	if (!fuzz_sense(tcb_info_read(&tcb, (struct bytes){ data, len }, fuzz_arena(), &why), &why))
		return 0;
	fuzz_must(tcb.nlevels <= TCB_MAX_LEVELS && tcb.nidentities <= TCB_INFO_MAX_IDENTITIES,
	    "more than the limits");
	for (size_t i = 0; i < tcb.nidentities; i++)
		module_check(&tcb.identities[i]);
	if (tcb.has_module)
		module_check(&tcb.module);
	(void)fuzz_sense(tcb_info_window_check(&tcb, NOW, &why), &why);
	(void)fuzz_sense(tcb_info_check(&tcb, DV_TEE_TDX, fmspc, pce_id, &why), &why);
	(void)fuzz_sense(tcb_info_check(&tcb, DV_TEE_SGX, tcb.fmspc, tcb.pce_id, &why), &why);
	return 0;
}
