#ifndef DD2_PNG_H
#define DD2_PNG_H

#endif
