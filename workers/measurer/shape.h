/*
 * shape.h - what an image measures to in one VM, for people who compare by hand
 */
#ifndef MEASURER_SHAPE_H
#define MEASURER_SHAPE_H

#include "measurer/input.h"

/* The most of either text. */
#define SHAPE_TEXT_MAX_LEN      ((size_t)16 << 10)

/*
 * shape_measure - registers and every event digest
 *
 *   json    one object, appended
 *   text    the same for a person, lines, appended
 *   arena   for the configuration and metadata.json
 *   config  the VM configuration; an os_image_hash in it has to be the image's
 *   fails   as vm_config_read(), image_record_compute() and legacy_check()
 */
bool    shape_measure(CBB *json, CBB *text, struct arena *arena, const struct image_files *files,
    struct bytes config, struct reason *why) MUST_CHECK;

#endif
