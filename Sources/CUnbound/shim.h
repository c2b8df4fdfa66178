/* SPDX-License-Identifier: Apache-2.0 */
/* The validating stub and recursive resolver of libunbound(3). */
#ifndef LETTERHOUSE_CUNBOUND_H
#define LETTERHOUSE_CUNBOUND_H

#include <unbound.h>

#endif
