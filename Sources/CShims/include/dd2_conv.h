#ifndef DD2_CONV_H
#define DD2_CONV_H
#include <stddef.h>
#include <stdint.h>

#endif
