#include "cli/config_check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>

#include "cli/config_key.h"
#include "cli/file.h"

#define IMAGE_HASH_MARK         "{OS_IMAGE_HASH}"
#define UNIX_PREFIX             "unix:"
#define HOST_MAX                255

static bool
is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n\v\f")] == '\0';
}

static bool
is_address(const char *text)
{
	struct in6_addr any;

	return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

/* Decimal digits for a port; 0 is none. */
static bool
is_port(const char *text, size_t len)
{
	long port = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]) || port > 65535)
			return false;
		port = port * 10 + (text[i] - '0');
	}
	return port > 0 && port <= 65535;
}

/* host or host:port; an IPv6 address in brackets. */
static bool
is_authority(const char *text, size_t len)
{
	char host[HOST_MAX + 1];
	const char *end, *port;
	struct in6_addr any;

	if (len == 0 || len > HOST_MAX)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (host[0] == '[') {
		end = strchr(host, ']');
		if (end == NULL)
			return false;
		port = end + 1;
		host[end - host] = '\0';
		if (inet_pton(AF_INET6, host + 1, &any) != 1)
			return false;
	} else {
		port = host + strcspn(host, ":");
		if (strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789-._") != (size_t)(port - host) || port == host)
			return false;
	}
	return *port == '\0' || (*port == ':' && is_port(port + 1, strlen(port + 1)));
}

/* http:// or https://, a host, and no blank or control character anywhere. */
static bool
is_url(const char *text)
{
	const char *authority = strstr(text, "://");
	const char *byte;
	size_t len;

	if (authority == NULL)
		return false;
	authority += 3;
	for (byte = text; *byte != '\0'; byte++)
		if ((unsigned char)*byte <= 0x20 || *byte == 0x7f)
			return false;
	len = strcspn(authority, "/?#");
	return is_authority(authority, len);
}

static bool
download_url_check(const char *url, struct reason *why)
{
	if (strstr(url, IMAGE_HASH_MARK) == NULL)
		return reject(why, REASON_MALFORMED,
		    "image_download_url must contain %s", IMAGE_HASH_MARK);
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return reject(why, REASON_MALFORMED, "image_download_url must use http or https");
	if (!is_url(url))
		return reject(why, REASON_MALFORMED, "invalid image_download_url");
	return true;
}

static bool
metrics_check(const char *text, struct reason *why)
{
	const char *colon = strrchr(text, ':');

	if (*text == '\0')
		return true;
	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0 &&
	    text[strlen(UNIX_PREFIX)] != '\0')
		return true;
	if (colon != NULL && is_port(colon + 1, strlen(colon + 1)) &&
	    is_authority(text, strlen(text)))
		return true;
	return reject(why, REASON_MALFORMED, "invalid metrics_listen: %s", text);
}

/* Numbers and dots, beginning and ending with a number. */
static bool
os_version_check(const char *text, struct reason *why)
{
	const size_t len = strlen(text);

	if (len == 0 || (strspn(text, "0123456789.") == len && text[0] != '.' &&
	    text[len - 1] != '.' && strstr(text, "..") == NULL))
		return true;
	return reject(why, REASON_MALFORMED, "invalid policy.minimum_os_version: %s", text);
}

bool
config_check(const struct config *config, struct reason *why)
{
	if (!is_address(config->address))
		return reject(why, REASON_MALFORMED, "invalid verifier address: %s",
		    config->address);
	if (config->port == 0)
		return reject(why, REASON_MALFORMED, "verifier port must not be zero");
	if (is_blank(config->image_cache_dir))
		return reject(why, REASON_MALFORMED, "image_cache_dir must not be empty");
	if (!download_url_check(config->image_download_url, why))
		return false;
	if (config->image_download_timeout_secs == 0)
		return reject(why, REASON_MALFORMED,
		    "image_download_timeout_secs must be greater than zero");
	if (config->unavailable_status != 200 && config->unavailable_status != 503)
		return reject(why, REASON_MALFORMED, "unavailable_status must be 200 or 503");
	return metrics_check(config->metrics_listen, why) &&
	    os_version_check(config->policy.minimum_os_version, why);
}

/* The first of the keys that are read but have no effect yet, or NULL. */
static const char *
unsupported_anchor(const struct config *config)
{
	const char *group = "attestation.root_ca.";
	size_t i;

	for (i = 0; i < config_nkeys; i++)
		if (config->given[i] && config_keys[i].effect == CONFIG_REFUSED &&
		    strncmp(config_keys[i].name, group, strlen(group)) == 0)
			return config_keys[i].name;
	return NULL;
}

bool
config_root_ca_read(struct config *config, struct reason *why)
{
	const char *path = config->root_ca.tdx, *unsupported = unsupported_anchor(config);

	if ((path != NULL || unsupported != NULL) && !config->allow_external_anchors)
		return reject(why, REASON_MALFORMED, "external attestation trust anchors are "
		    "configured but insecure_allow_external_trust_anchors is false");
	if (unsupported != NULL)
		return reject(why, REASON_UNSUPPORTED, "`%s` has no effect yet", unsupported);
	if (path == NULL)
		return true;
	/* "-" is a file here, not standard input. */
	if (strcmp(path, "-") == 0)
		path = "./-";
	if (!file_read(&config->root_ca_tdx, config->arena, path, CONFIG_ROOT_CA_MAX, why))
		return reject_as(why, "failed to read TDX root CA from %s", config->root_ca.tdx);
	if (config->root_ca_tdx.len == 0)
		return reject(why, REASON_MALFORMED, "failed to parse TDX root CA certificate");
	return true;
}
