#include "cli/options.h"

#include <getopt.h>
#include <string.h>

#include "core/hex.h"
#include "core/timestamp.h"

const char options_usage[] =
    "Usage: dstack-verifier [OPTIONS]\n"
    "       dstack-verifier [OPTIONS] --verify FILE\n"
    "       dstack-verifier [OPTIONS] quote FILE\n"
    "       dstack-verifier measure IMAGE_DIR VM_CONFIG\n"
    "       dstack-verifier [OPTIONS] images list | fetch HASH | verify [HASH] |\n"
    "                       pin HASH | unpin HASH | evict [HASH]\n"
    "\n"
    "Judges the evidence of confidential VMs: without a command as a server, until a signal\n"
    "ends it; else once.  Then the answer is one line of JSON on standard output, and the exit\n"
    "status is 0 for valid, 1 for invalid or failed, 2 for wrong usage.\n"
    "\n"
    "  -c, --config PATH      configuration file [default: dstack-verifier.toml]\n"
    "      --verify FILE      judge one request (the JSON of POST /verify); the answer is\n"
    "                         also written to FILE.verification.json; - is standard input\n"
    "      quote FILE         judge one bare Intel quote, raw or hex; - is standard input\n"
    "      measure IMAGE_DIR VM_CONFIG\n"
    "                         print what an OS image measures to in a VM of this\n"
    "                         configuration (JSON; - is standard input)\n"
    "      images list        OS images that are kept, those used longest ago first\n"
    "      images fetch HASH  download, unpack and measure an image\n"
    "      images verify [HASH]\n"
    "                         hash the files of one image, or of all, again\n"
    "      images pin HASH, unpin HASH\n"
    "                         keep an image whatever its age, or no longer\n"
    "      images evict [HASH]\n"
    "                         remove an image, or as many as are too many\n"
    "      --collateral FILE  collateral to judge with, as JSON; may be repeated\n"
    "      --at TIME          judge as of this time: 2026-06-04T01:22:11Z, or seconds\n"
    "                         since 1970; shown in the answer\n"
    "      --verify-cert FILE, --require-image\n"
    "                         not built yet\n"
    "  -h, --help             print this\n"
    "      --version          print the version and that of BoringSSL\n";

enum {
	OPTION_VERIFY = 256,
	OPTION_VERIFY_CERT,
	OPTION_COLLATERAL,
	OPTION_AT,
	OPTION_REQUIRE_IMAGE,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "verify", required_argument, NULL, OPTION_VERIFY },
	{ "verify-cert", required_argument, NULL, OPTION_VERIFY_CERT },
	{ "collateral", required_argument, NULL, OPTION_COLLATERAL },
	{ "at", required_argument, NULL, OPTION_AT },
	{ "require-image", no_argument, NULL, OPTION_REQUIRE_IMAGE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* Subcommands that the documentation names and no release has yet. */
static const char *const later_commands[] = {
	"verify", "probe", "bundle", "collateral",
};

/* What was given, before it is known what it means together. */
struct given {
	const char *verify, *verify_cert, *at;
	bool    help, version;
};

static bool
once(const char **place, const char *option, struct reason *why)
{
	if (*place != NULL)
		return reject(why, REASON_MALFORMED, "%s is given twice", option);
	*place = optarg;
	return true;
}

static bool
option_read(struct options *out, struct given *given, int option, const char *word,
    struct reason *why)
{
	switch (option) {
	case 'c':
		return once(&out->config_path, "--config", why);
	case 'h':
		given->help = true;
		return true;
	case OPTION_VERIFY:
		return once(&given->verify, "--verify", why);
	case OPTION_VERIFY_CERT:
		return once(&given->verify_cert, "--verify-cert", why);
	case OPTION_AT:
		return once(&given->at, "--at", why);
	case OPTION_COLLATERAL:
		if (out->ncollateral == OPTIONS_COLLATERAL_MAX)
			return reject(why, REASON_MALFORMED, "more than %d times --collateral",
			    OPTIONS_COLLATERAL_MAX);
		out->collateral[out->ncollateral++] = optarg;
		return true;
	case OPTION_REQUIRE_IMAGE:
		out->require_image = true;
		return true;
	case OPTION_VERSION:
		given->version = true;
		return true;
	case ':':
		return reject(why, REASON_MALFORMED, "%s needs a value", word);
	default:
		return reject(why, REASON_MALFORMED, "unexpected argument %s", word);
	}
}

static const struct {
	const char *name;
	enum images_operation operation;
	bool    needs_hash, takes_hash;
} operations[] = {
	{ "list", IMAGES_LIST, false, false },
	{ "fetch", IMAGES_FETCH, true, true },
	{ "verify", IMAGES_VERIFY, false, true },
	{ "pin", IMAGES_PIN, true, true },
	{ "unpin", IMAGES_UNPIN, true, true },
	{ "evict", IMAGES_EVICT, false, true },
};

static bool
images_hash_read(struct images_message *images, const char *text, struct reason *why)
{
	struct reason inner;

	images->has_hash = strlen(text) == 2 * sizeof images->hash &&
	    hex_decode(images->hash, bytes_str(text), &inner);
	return images->has_hash ||
	    reject(why, REASON_MALFORMED, "images: an image's HASH has 64 hex digits");
}

static bool
images_read(struct options *out, int nwords, char *const *words, struct reason *why)
{
	size_t i = 0;

	while (nwords > 1 && i < NELEM(operations) && strcmp(words[1], operations[i].name) != 0)
		i++;
	if (nwords < 2 || i == NELEM(operations))
		return reject(why, REASON_MALFORMED,
		    "images needs one of list, fetch, verify, pin, unpin, evict");
	if (nwords > 3 || (nwords == 3 && !operations[i].takes_hash))
		return reject(why, REASON_MALFORMED, "unexpected argument %s", words[nwords - 1]);
	if (nwords == 2 && operations[i].needs_hash)
		return reject(why, REASON_MALFORMED, "images %s needs a HASH", words[1]);
	out->mode = MODE_IMAGES;
	out->images.operation = operations[i].operation;
	return nwords == 2 || images_hash_read(&out->images, words[2], why);
}

static bool
command_read(struct options *out, int nwords, char *const *words, struct reason *why)
{
	size_t i;

	for (i = 0; i < NELEM(later_commands); i++)
		if (strcmp(words[0], later_commands[i]) == 0)
			return reject(why, REASON_UNSUPPORTED,
			    "the command %s is not built yet", words[0]);
	if (strcmp(words[0], "measure") == 0) {
		if (nwords != 3)
			return reject(why, REASON_MALFORMED,
			    "measure needs IMAGE_DIR and VM_CONFIG");
		out->mode = MODE_MEASURE;
		out->file = words[1];
		out->vm_config = words[2];
		return true;
	}
	if (strcmp(words[0], "images") == 0)
		return images_read(out, nwords, words, why);
	if (strcmp(words[0], "quote") != 0)
		return reject(why, REASON_MALFORMED, "unexpected argument %s", words[0]);
	if (nwords != 2)
		return reject(why, REASON_MALFORMED, "quote needs one FILE");
	out->mode = MODE_QUOTE;
	out->file = words[1];
	return true;
}

static bool
mode_choose(struct options *out, const struct given *given, int nwords, char *const *words,
    struct reason *why)
{
	const bool one_shot = given->verify != NULL || given->verify_cert != NULL;

	if (nwords > 0 && one_shot)
		return reject(why, REASON_MALFORMED, "unexpected argument %s", words[0]);
	if (nwords > 0)
		return command_read(out, nwords, words, why);
	/* Compat: with both, --verify wins. */
	if (one_shot) {
		out->mode = given->verify != NULL ? MODE_VERIFY : MODE_VERIFY_CERT;
		out->file = given->verify != NULL ? given->verify : given->verify_cert;
	}
	if (out->require_image && out->mode != MODE_VERIFY_CERT)
		return reject(why, REASON_MALFORMED, "--require-image goes with --verify-cert");
	return true;
}

bool
options_read(struct options *out, int argc, char *const *argv, struct reason *why)
{
	struct given given = { NULL };
	int option, word;

	*out = (struct options){ .mode = MODE_SERVER };
	opterr = 0;
	optind = 0;     /* glibc: start anew */
	for (;;) {
		word = optind == 0 ? 1 : optind;
		option = getopt_long(argc, argv, ":c:h", long_options, NULL);
		if (option == -1)
			break;
		/* Permuted words lie before optind, so the option is the last one read. */
		if (option == ':' || option == '?')
			word = optind - 1;
		if (!option_read(out, &given, option, argv[word], why))
			return false;
	}
	if (given.help || given.version) {
		out->mode = given.help ? MODE_HELP : MODE_VERSION;
		return true;
	}
	out->has_at = given.at != NULL;
	if (out->has_at && !timestamp_argument(&out->at, given.at, why))
		return reject_as(why, "--at %s", given.at);
	return mode_choose(out, &given, argc - optind, argv + optind, why);
}
