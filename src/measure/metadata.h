/*
 * metadata.h - an image's metadata.json: which file is what, and the command line
 */
#ifndef MEASURE_METADATA_H
#define MEASURE_METADATA_H

#include "core/arena.h"
#include "core/bytes.h"
#include "core/reason.h"
#include "measure/vm_config.h"

#define METADATA_MAX_LEN        (64u << 10)
#define METADATA_MAX_VERSION_LEN 128            /* real ones are like 0.6.0     */

/* Spans and names lie in the text or the arena. */
struct metadata {
	const char *bios, *kernel, *initrd;     /* plain file names             */
	struct bytes cmdline;                   /* as it stands, UTF-8          */
	struct bytes version;                   /* empty when absent            */
	bool    is_dev;
	bool    kernel_header_normalized;
	enum ovmf_variant ovmf;
};

/*
 * metadata_read - the members a measurement needs; others are ignored
 *
 *   text    borrowed as long as *metadata lives
 *   fails   "Failed to parse image metadata: ..."; MALFORMED, LIMIT, or UNSUPPORTED for an OVMF
 *           variant we cannot judge; also a name that could not stand in a manifest
 *   source  os-image-measurement.md 3.2
 */
bool    metadata_read(struct metadata *metadata, struct arena *arena, struct bytes text,
    struct reason *why) MUST_CHECK;

#endif
