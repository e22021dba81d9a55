/*
 * connection.h - clients: their requests in, the answers out
 *
 * A connection has at most one request that waits for an answer; what its client sends
 * meanwhile stays in a bounded buffer, and then in the socket.  While it waits, the end of the
 * stream is watched for: a client that goes away takes its job along.
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include "server/acceptor.h"

/* Starts and stops taking connections. */
void    connections_listen(struct acceptor *acceptor, int fd);
void    connections_stop(struct acceptor *acceptor);

/* Closes those that wait for nothing; the others close after their answer. */
void    connections_drain(struct acceptor *acceptor);

/* Frees what was closed. */
void    connections_reap(struct acceptor *acceptor);
void    connections_fini(struct acceptor *acceptor);

/* A job's end; its job is freed by the caller. */
void    connection_answer(struct connection *connection, const struct job_result *result);

/* The job needs an image: the request may take that much longer. */
void    connection_extend(struct connection *connection);

#endif
