#ifndef DD2_NORM_H
#define DD2_NORM_H
#include <stddef.h>
#include <stdint.h>

#endif
