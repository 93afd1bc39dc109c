import Foundation

/// Numbers of bytes for people.
enum ByteCount {
  /// With a unit and about two digits: `512 B`, `1.4 MiB`, `23 GiB`.
  static func text(_ bytes: Int) -> String {
    var (value, unit) = (Double(bytes), 0)
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while value >= 1023.5, unit + 1 < units.count { (value, unit) = (value / 1024, unit + 1) }
    return String(format: unit > 0 && value < 9.95 ? "%.1f" : "%.0f", value) + " " + units[unit]
  }
}
