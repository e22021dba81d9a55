#include "dcap/pem.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bytes text = { data, len };
	struct arena *arena = fuzz_arena();
	struct pem_chain chain, again;
	struct reason why = { 0 };

	(void)pem_looks_like(text);
	if (!fuzz_sense(pem_chain_read(&chain, arena, text, &why), &why))
		return 0;
	fuzz_must(chain.n >= 1 && chain.n <= PEM_MAX_BLOCKS, "number of certificates");
	/* Text around the blocks does not count. */
	if (!pem_chain_read(&again, arena, fuzz_pem(arena, chain.der, chain.n), &why)) {
		fuzz_must(why.kind == REASON_LIMIT, "written again, it is refused");
		return 0;
	}
	fuzz_must(again.n == chain.n, "written again, it differs");
	for (size_t i = 0; i < chain.n; i++)
		fuzz_must(chain.der[i].len != 0 && bytes_equal(again.der[i], chain.der[i]),
		    "written again, it differs");
	return 0;
}
