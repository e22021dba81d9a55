#include "verify/images.h"

#include <assert.h>
#include <stdlib.h>

#include "dcap/lru.h"

struct images {
	struct lru *records;            /* struct image_record, by os_image_hash        */
	struct lru *kernels;            /* struct kernel_fact, owned by its image       */
};

struct images *
images_new(void)
{
	struct images *images = calloc(1, sizeof *images);

	if (images == NULL)
		return NULL;
	images->records = lru_new(IMAGES_MAX, 1, free);
	images->kernels = lru_new(IMAGES_KERNELS_MAX, IMAGES_KERNELS_PER_IMAGE, free);
	if (images->records == NULL || images->kernels == NULL) {
		images_free(images);
		return NULL;
	}
	return images;
}

void
images_free(struct images *images)
{
	if (images == NULL)
		return;
	lru_free(images->records);
	lru_free(images->kernels);
	free(images);
}

bool
images_has_type(enum dv_fact_type type)
{
	return type == DV_FACT_IMAGE || type == DV_FACT_KERNEL;
}

/* A table's key: the hash, or hash and address hashed. */
static void
kernel_key(struct digest256 *out, const struct digest256 *hash, uint32_t initrd_addr)
{
	const uint8_t addr[] = { (uint8_t)(initrd_addr >> 24), (uint8_t)(initrd_addr >> 16),
	    (uint8_t)(initrd_addr >> 8), (uint8_t)initrd_addr };

	digest256_of_parts(out, (const struct bytes[]){ BYTES_OF(hash->data), BYTES_OF(addr) }, 2);
}

static bool
record_add(struct images *images, const struct digest256 *hash, CBS *in, struct reason *why)
{
	struct image_record record, *kept;

	if (!image_record_read(&record, in, why))
		return false;
	kept = malloc(sizeof *kept);
	if (kept == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	*kept = record;
	lru_add(images->records, hash->data, NULL, kept);
	return true;
}

static bool
kernel_add(struct images *images, const struct image_fact_key *key, CBS *in, struct reason *why)
{
	struct kernel_fact fact, *kept;
	struct digest256 table_key;

	if (!kernel_fact_read(&fact, in, why))
		return false;
	if (fact.initrd_addr != key->initrd_addr)
		return reject(why, REASON_REFUSED, "kernel fact is of another initrd address");
	kept = malloc(sizeof *kept);
	if (kept == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	*kept = fact;
	kernel_key(&table_key, &key->os_image_hash, key->initrd_addr);
	lru_add(images->kernels, table_key.data, key->os_image_hash.data, kept);
	return true;
}

bool
images_offer(struct images *images, const struct dv_key *key, struct bytes blob,
    const uint8_t public_key[IMAGE_FACT_PUBLIC_KEY_LEN], struct reason *why)
{
	struct image_fact_key fact = {
		.type = key->type == DV_FACT_KERNEL ? IMAGE_FACT_KERNEL : IMAGE_FACT_RECORD,
		.initrd_addr = key->initrd_addr,
	};
	struct bytes payload;
	CBS in;

	assert(images_has_type(key->type));
	bytes_copy(fact.os_image_hash.data, BYTES_OF(key->image));
	if (!image_fact_verify(&payload, &fact, blob, public_key, why))
		return false;
	in = cbs_bytes(payload);
	if (key->type == DV_FACT_KERNEL)
		return kernel_add(images, &fact, &in, why);
	return record_add(images, &fact.os_image_hash, &in, why);
}

const struct image_record *
images_find(struct images *images, const struct digest256 *hash)
{
	void *record;

	return lru_find(images->records, hash->data, &record) ? record : NULL;
}

const struct kernel_fact *
images_kernel_find(struct images *images, const struct digest256 *hash, uint32_t initrd_addr)
{
	struct digest256 key;
	void *fact;

	kernel_key(&key, hash, initrd_addr);
	return lru_find(images->kernels, key.data, &fact) ? fact : NULL;
}
