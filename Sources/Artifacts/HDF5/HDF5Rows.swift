import CShims

/// What rows of a dataset can be written and read as.
public protocol HDF5RowElement: AdditiveArithmetic {
  /// The kind by which the C layer knows it.
  static var hdf5Kind: Int { get }
}

extension Float: HDF5RowElement {
  public static var hdf5Kind: Int { DD2_H5_FLOAT32 }
}

extension Int32: HDF5RowElement {
  public static var hdf5Kind: Int { DD2_H5_INT32 }
}

extension UInt16: HDF5RowElement {
  public static var hdf5Kind: Int { DD2_H5_UINT16 }
}
