import CShims

/// The versions of the libraries that files are read and written with.
public enum LibraryVersions {
  /// Name and version of each.
  public static var all: [(name: String, version: String)] {
    var hdf5: [UInt32] = [0, 0, 0]
    dd2_hdf5_version(&hdf5)
    return [
      ("libpng", String(cString: dd2_png_version())), ("libjpeg", String(cString: dd2_jpeg_version())),
      ("HDF5", hdf5.map(String.init).joined(separator: ".")), ("zlib", String(cString: dd2_zlib_version())),
    ]
  }
}
