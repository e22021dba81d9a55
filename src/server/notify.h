/*
 * notify.h - what the service manager is told, and the socket it may have opened for us
 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

/* "READY=1", "STOPPING=1"; nothing happens where no service manager waits for it. */
void    notify_service(const char *state);

/* The one listening socket that the service manager passed; -1 when it passed none, or several. */
int     notify_listener(void);

#endif
