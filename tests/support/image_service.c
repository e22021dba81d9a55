#include "image_service.h"

#include <openssl/curve25519.h>

#include "../teesim/build.h"

#define ARENA_LEN       ((size_t)1 << 20)

static uint8_t public_key[32], private_key[64];

const uint8_t *
image_service_key(void)
{
	static const uint8_t seed[32] = "the service of the tests";

	ED25519_keypair_from_seed(public_key, private_key, seed);
	return public_key;
}

struct bytes
image_service_sign(const struct image_fact_key *key, struct bytes payload)
{
	uint8_t message[IMAGE_FACT_MESSAGE_MAX_LEN], signature[IMAGE_FACT_SIGNATURE_LEN];
	size_t len;
	CBB out;

	(void)image_service_key();
	MUST(CBB_init_fixed(&out, message, sizeof message));
	MUST(image_fact_message_write(&out, key, payload));
	MUST(CBB_finish(&out, NULL, &len));
	MUST(ED25519_sign(signature, message, len, private_key));
	return build_join((struct bytes[]){ BYTES_OF(signature), payload }, 2);
}

static void
record_write(CBB *out, struct arena *arena, const struct image_case *image)
{
	struct image_record record;
	struct reason why;

	build_must(image_record_compute(&record, arena, &image->hash, &image->files, &why),
	    "image_record_compute");
	MUST(image_record_write(out, &record));
}

static void
kernel_write(CBB *out, struct arena *arena, const struct image_case *image, uint32_t initrd_addr)
{
	struct kernel_fact fact;
	struct reason why;

	build_must(kernel_fact_compute(&fact, arena, &image->hash, &image->files, initrd_addr,
	    &why), "kernel_fact_compute");
	MUST(kernel_fact_write(out, &fact));
}

struct bytes
image_service_fact(const struct image_case *image, const struct dv_key *key)
{
	struct image_fact_key fact = { .type = IMAGE_FACT_RECORD, .os_image_hash = image->hash };
	struct arena *arena = arena_new(ARENA_LEN);
	CBB out;

	MUST(arena != NULL);
	MUST(CBB_init(&out, 1024));
	if (key->type == DV_FACT_KERNEL) {
		fact.type = IMAGE_FACT_KERNEL;
		fact.initrd_addr = key->initrd_addr;
		kernel_write(&out, arena, image, key->initrd_addr);
	} else {
		record_write(&out, arena, image);
	}
	arena_free(arena);
	return image_service_sign(&fact, build_finish(&out));
}
