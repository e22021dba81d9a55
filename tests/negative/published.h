/*
 * published.h - a simulated machine that runs an image which a test has the files of
 */
#ifndef TESTS_NEGATIVE_PUBLISHED_H
#define TESTS_NEGATIVE_PUBLISHED_H

#include "../support/image_case.h"
#include "../teesim/guest.h"

/*
 * published_run - layout, document and checksum file of a guest are those of the image
 *
 *   The kernel is as the firmware finds it with much memory: with its header rewritten, unless
 *   the image is normalized.  QEMU 10.2 and later rewrite none: published_unpatched().
 */
void    published_run(struct guest *m, const struct image_case *image, struct arena *arena);
void    published_unpatched(struct guest *m, const struct image_case *image, struct arena *arena);

#endif
