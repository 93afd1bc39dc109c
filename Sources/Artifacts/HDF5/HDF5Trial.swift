import CShims
import Foundation
import Synchronization

/// Files of HDF5's older formats, which are h5py's default, have no checksums of what they say of themselves: damage there
/// may crash the library. Such a file is read by a child process first. dd2's own files are of the newer format.
enum HDF5Trial {
  /// What was tried and may be opened again, while nobody writes into it.
  private static let tried = Mutex<Set<[Int]>>([])
  private static let signature = 8
  /// The first version of a file whose parts all have checksums.
  private static let checked: UInt8 = 3

  /// Throws `ArtifactError.corrupt` for a file on which the library fails. Call inside `HDF5Library.locked`.
  static func check(_ path: String) throws {
    let start = try FileAccess.start(of: path, count: signature + 1)
    let isChecked = FileKind(start) == .hdf5 && start.count > signature && start[signature] >= checked
    guard !isChecked, let status = try FileAccess.status(path) else { return }
    let time = status.st_mtim
    let file = [Int(status.st_dev), Int(status.st_ino), Int(status.st_size), Int(time.tv_sec), Int(time.tv_nsec)]
    if tried.withLock({ $0.contains(file) }) { return }
    let seconds = 5 + Int(status.st_size) >> 24
    let signal = path.withPath { dd2_h5_try($0, UInt32(clamping: seconds)) }
    guard signal == 0 else {
      let reason =
        switch signal {
        case SIGALRM: "reading it takes more than \(seconds) s"
        case SIGKILL: "reading it takes too much memory"
        default: "HDF5's library crashes on it"
        }
      throw ArtifactError.corrupt(path: path, detail: reason)
    }
    tried.withLock { _ = $0.insert(file) }
  }
}
