/* SPDX-License-Identifier: Apache-2.0 */
/* Socket activation and notification: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3). Beside them mallopt(3),
   which Swift's own module of the C library leaves out. */
#ifndef LETTERHOUSE_CSYSTEMD_H
#define LETTERHOUSE_CSYSTEMD_H

#include <malloc.h>
#include <systemd/sd-daemon.h>

#endif
