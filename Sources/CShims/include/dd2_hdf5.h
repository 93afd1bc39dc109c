#ifndef DD2_HDF5_H
#define DD2_HDF5_H

#endif
