/*
 * file.h - whole files, and where they are
 */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "core/arena.h"

/* Longest path that is looked for in parent directories. */
#define FILE_PATH_MAX   4096

/*
 * file_read - all bytes of a file, pipe or terminal
 *
 *   path    "-" is standard input
 *   fails   UNAVAILABLE  the system's words: "No such file or directory (os error 2)"
 *           LIMIT        more than max_len bytes
 */
bool    file_read(struct bytes *out, struct arena *arena, const char *path, size_t max_len,
    struct reason *why) MUST_CHECK;

/*
 * file_find - a path as given, or the same path from a directory above
 *
 *   out     FILE_PATH_MAX bytes of room; set when true is returned
 *   path    relative: tried in the working directory and in each directory above it;
 *           directories are passed over
 */
bool    file_find(char out[FILE_PATH_MAX], const char *path) MUST_CHECK;

/*
 * file_write - a file with exactly this content
 *
 *   fails   UNAVAILABLE  the system's words; what was written is taken back
 */
bool    file_write(const char *path, struct bytes content, struct reason *why) MUST_CHECK;

#endif
