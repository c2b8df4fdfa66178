/* SPDX-License-Identifier: Apache-2.0 */
/* DEFLATE (RFC 1951) of zlib. */
#ifndef LETTERHOUSE_CZLIB_H
#define LETTERHOUSE_CZLIB_H

#include <zlib.h>

#endif
