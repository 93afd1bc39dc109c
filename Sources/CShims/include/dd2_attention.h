#ifndef DD2_ATTENTION_H
#define DD2_ATTENTION_H
#include <stddef.h>
#include <stdint.h>

#endif
