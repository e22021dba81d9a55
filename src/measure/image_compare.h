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
 * For os_image_anchor = "published".  At ingest a difference is worth a line in the log and no
 * refusal: documents were made by the tools of their day.
 *
 *   doc     version 3 or 4: what the version holds is compared
 *   fails   REFUSED      "measurement.tdx.cbor differs from the published image in MEMBER"
 *   source  os-image-measurement.md 13.2
 */
bool    image_compare(const struct image_record *record, const struct tdx_document *doc,
    struct reason *why) MUST_CHECK;

#endif
