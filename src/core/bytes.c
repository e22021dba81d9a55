#include "core/bytes.h"

bool
bytes_zero(struct bytes b)
{
	uint8_t any = 0;

	for (size_t i = 0; i < b.len; i++)
		any |= b.ptr[i];
	return any == 0;
}
