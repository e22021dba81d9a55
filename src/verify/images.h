/*
 * images.h - what a context knows of published images
 *
 * Records and kernel facts, each verified and parsed once, when it was offered.  Both tables are
 * bounded and forget what was used least recently; of one image only so many kernels are kept,
 * so that machines of many memory sizes push out those of their own image alone.
 */
#ifndef VERIFY_IMAGES_H
#define VERIFY_IMAGES_H

#include "dstack-verifier/facts.h"
#include "measure/image_fact.h"
#include "measure/image_record.h"

#define IMAGES_MAX                      1024    /* records, 1.8 KiB each        */
#define IMAGES_KERNELS_MAX              4096
#define IMAGES_KERNELS_PER_IMAGE        64

struct images;

struct images *images_new(void);        /* NULL when memory is out */
void    images_free(struct images *images);

/* Whether a fact is one of an image. */
bool    images_has_type(enum dv_fact_type type);

/*
 * images_offer - take a signed record or kernel fact, in place of one of the same key
 *
 *   key     of DV_FACT_IMAGE or DV_FACT_KERNEL
 *   fails   as image_fact_verify(), image_record_read() and kernel_fact_read()
 *           REFUSED      "kernel fact is of another initrd address"
 */
bool    images_offer(struct images *images, const struct dv_key *key, struct bytes blob,
    const uint8_t public_key[IMAGE_FACT_PUBLIC_KEY_LEN], struct reason *why) MUST_CHECK;

/* NULL when it is not there; lives until the next offer. */
const struct image_record *images_find(struct images *images, const struct digest256 *hash);
const struct kernel_fact *images_kernel_find(struct images *images,
    const struct digest256 *hash, uint32_t initrd_addr);

#endif
