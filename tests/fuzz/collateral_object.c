#include "dcap/collateral_object.h"

#include "fuzz.h"

#define NOW     INT64_C(1780536131)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct collateral_object object = { 0 };
	struct reason why = { 0 };
	char name[COLLATERAL_NAME_SIZE];

	if (fuzz_sense(collateral_object_read(&object, (struct bytes){ data, len }, false, &why),
	    &why))
		fuzz_must(object.n >= 1 && object.n <= COLLATERAL_OBJECT_MAX_ITEMS, "no items");
	for (size_t i = 0; i < object.n; i++) {
		collateral_name(name, &object.items[i]->key);
		fuzz_must(name[0] != '\0', "no name");
		if (object.items[i]->readable)
			(void)fuzz_sense(collateral_window_check(object.items[i], NOW, &why), &why);
		else if (object.items[i]->state == COLLATERAL_BAD)
			(void)fuzz_sense(false, &object.items[i]->why);
	}
	collateral_object_fini(&object);
	return 0;
}
