/*
 * A kernel as a PE image: its digests, as it is and as QEMU patches it, and where its initrd goes.
 * The first two bytes are the memory size in units of 64 MiB, the third the initrd's in MiB.
 */
#include "measure/pe.h"

#include "fuzz.h"
#include "measure/kernel.h"

static void
patched_check(struct bytes kernel, uint64_t memory, uint64_t initrd)
{
	struct reason why = { 0 }, again = { 0 };
	struct kernel_header header;
	struct digest384 digest, other;
	uint32_t addr;

	if (!fuzz_sense(kernel_header_read(&header, kernel, &why), &why) ||
	    !fuzz_sense(kernel_initrd_addr(&addr, &header, initrd, memory, &why), &why))
		return;
	fuzz_must(initrd != 0 || addr == 0, "an address without an initrd");
	fuzz_must(addr % 4096 == 0, "an initrd inside a page");
	if (fuzz_sense(kernel_patched_digest(&digest, kernel, addr, (uint32_t)initrd, &why), &why))
		fuzz_must(kernel_patched_digest(&other, kernel, addr, (uint32_t)initrd, &again) &&
		    digest384_equal(&digest, &other), "another digest the second time");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	uint64_t memory = (uint64_t)fuzz_choice(&in) << 8, initrd;
	struct reason why = { 0 }, again = { 0 };
	struct digest384 digest, other;
	bool ok;

	memory = (memory | fuzz_choice(&in)) << 26;
	initrd = (uint64_t)fuzz_choice(&in) << 20;
	ok = fuzz_sense(pe_authenticode(&digest, in, (struct bytes){ 0 }, &why), &why);
	fuzz_must(kernel_unpatched_digest(&other, in, &again) == ok, "one reads it, one does not");
	fuzz_must(!ok || digest384_equal(&digest, &other), "another digest of the same file");
	patched_check(in, memory, initrd);
	return 0;
}
