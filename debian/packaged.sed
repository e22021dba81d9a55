# The two keys in which the packaged configuration is not etc/dstack-verifier.toml: who may reach
# the service is for its operator to say, and the cache outlives /tmp.
/^# address = /{
	s|^# |# Built in: |
	a\
address = "127.0.0.1"
}
/^# image_cache_dir = /{
	s|^# |# Built in: |
	a\
image_cache_dir = "/var/cache/dstack-verifier"
}
