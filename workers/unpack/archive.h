/*
 * archive.h - the archive of an image, unpacked into one directory
 *
 * The archive is hostile until its manifest has the hash that was asked for and every file the
 * hash that the manifest says.  So nothing of it decides where something is written: names are
 * flat, files are new, and whatever else is in it is read past.  Limits are checked before bytes
 * are written.
 *
 * source  os-image-measurement.md 3.1, 3.3, 4.1
 */
#ifndef UNPACK_ARCHIVE_H
#define UNPACK_ARCHIVE_H

#include "core/digest.h"
#include "core/reason.h"

#define ARCHIVE_MAX_LEN         (UINT64_C(512) << 20)   /* compressed                   */
#define ARCHIVE_MAX_UNPACKED    (UINT64_C(2) << 30)
#define ARCHIVE_MAX_RATIO       200     /* of the two, once ...                         */
#define ARCHIVE_RATIO_FROM      (UINT64_C(1) << 20)     /* ... so much was read         */
#define ARCHIVE_MAX_MEMBER      (UINT64_C(1) << 30)
#define ARCHIVE_MAX_METADATA    (64u << 10)
#define ARCHIVE_MAX_MEMBERS     256
#define ARCHIVE_MAX_NAME_LEN    255     /* with its directories; printable ASCII        */
#define ARCHIVE_MAX_HEADER      (64u << 10)     /* of one member, extensions included   */

/*
 * archive_unpack - the files that the manifest lists, and the manifest
 *
 *   nbytes      of all those files
 *   in          a .tar.gz, read to the end of the archive; blocks
 *   directory   empty; files of mode 0600 are made in it.  After a failure some may be left
 *   hash        the os_image_hash
 *   fails   by what the archive holds:
 *           MALFORMED    "Failed to open image archive", "Failed to read image archive entry",
 *                        "Failed to read sha256sum.txt", "metadata.json not found in the
 *                        extracted archive", texts of manifest_read()
 *           REFUSED      "image archive contains unsafe path P", "image archive contains unsupported
 *                        entry P", "image archive contains P twice", "os_image_hash does not match
 *                        sha256(sha256sum.txt)", "Checksum verification failed: NAME"
 *           LIMIT        "image archive has ...", "image archive entry P has ..."
 *           by the machine, and so perhaps not the next time:
 *           UNAVAILABLE  "no space left for the OS image", "OS image cannot be written", "image
 *                        archive cannot be read"
 *           INTERNAL     out of memory
 */
bool    archive_unpack(uint64_t *nbytes, int in, int directory, const struct digest256 *hash,
    struct reason *why) MUST_CHECK;

#endif
