/*
 * image_compare.h - a lite document against the image it claims to sum up
 */
#ifndef MEASURE_IMAGE_COMPARE_H
#define MEASURE_IMAGE_COMPARE_H

#include "measure/image_record.h"
#include "measure/tdx_document.h"

/*
 * image_compare - whether a document says what the image measures to
 *
 * For os_image_anchor = "published".
 *
 *   doc     version 3 or 4: what the version holds is compared
 *   fails   REFUSED      "measurement.tdx.cbor differs from the published image in MEMBER"
 *   source  os-image-measurement.md 13.2
 */
bool    image_compare(const struct image_record *record, const struct tdx_document *doc,
    struct reason *why) MUST_CHECK;

/*
 * image_document_check - the document that an image brings along
 *
 *   difference  empty when there is none, or no document; else how it differs, or cannot be read
 *   manifest    of the image, and good
 *   document    not looked at when the manifest does not list measurement.tdx.cbor
 *   fails       REFUSED  "Checksum verification failed: measurement.tdx.cbor"
 */
bool    image_document_check(struct reason *difference, const struct image_record *record,
    struct bytes manifest, struct bytes document, struct reason *why) MUST_CHECK;

#endif
