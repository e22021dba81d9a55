/*
 * options.h - the command line, taken apart
 *
 *   source  http-api-and-cli.md 8, 8.3
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdint.h>

#include "ipc/message.h"

/* One file holds the collateral of one platform; nobody pins more by hand. */
#define OPTIONS_COLLATERAL_MAX  64

enum options_mode {
	MODE_SERVER = 0,
	MODE_VERIFY,
	MODE_VERIFY_CERT,
	MODE_QUOTE,
	MODE_MEASURE,
	MODE_IMAGES,
	MODE_HELP,
	MODE_VERSION,
};

/* Strings are those of argv. */
struct options {
	enum options_mode mode;
	const char *config_path;        /* NULL: none given                        */
	const char *file;               /* what to judge; "-" is standard input    */
	const char *vm_config;          /* beside the image directory of measure   */
	struct images_message images;   /* what is asked of the images             */
	const char *collateral[OPTIONS_COLLATERAL_MAX];
	size_t  ncollateral;
	bool    has_at;
	int64_t at;
	bool    require_image;
};

/*
 * options_read - all arguments
 *
 *   fails   MALFORMED    what is wrong; the program prints it with the usage and exits 2
 */
bool    options_read(struct options *out, int argc, char *const *argv,
    struct reason *why) MUST_CHECK;

/* The usage, several lines. */
extern const char options_usage[];

#endif
