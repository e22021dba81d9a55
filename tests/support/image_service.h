/*
 * image_service.h - who measures images and signs what was found
 *
 * For tests of those who are given records and kernel facts.  Ends the program when an image of a
 * test cannot be measured.
 */
#ifndef TESTS_SUPPORT_IMAGE_SERVICE_H
#define TESTS_SUPPORT_IMAGE_SERVICE_H

#include "dstack-verifier/facts.h"
#include "image_case.h"
#include "measure/image_fact.h"

/* The public half of its key, 32 bytes. */
const uint8_t *image_service_key(void);

/* Signature and payload, as build_keep() keeps bytes. */
struct bytes image_service_sign(const struct image_fact_key *key, struct bytes payload);

/* The signed record of an image, or its kernel at key->initrd_addr, for an image of this hash. */
struct bytes image_service_fact(const struct image_case *image, const struct dv_key *key);

#endif
