import Artifacts
import Synchronization
import TensorCore

/// The check of many image files before any work with them.
enum ImageCheck {
  /// What each file says of itself, or its fault, found by all threads; nothing is decoded.
  /// - Parameter progress: called with the files checked and all files; what it throws ends the check.
  static func results(
    _ files: [String], alpha: RGBImage.AlphaPolicy, progress: (Int, Int) throws -> Void
  ) rethrows -> [Result<ImageFileCheck, ArtifactError>] {
    let slice = 512
    let results = Mutex([Result<ImageFileCheck, ArtifactError>?](repeating: nil, count: files.count))
    for start in stride(from: 0, to: files.count, by: slice) {
      let end = min(start + slice, files.count)
      ThreadPool.shared.forEachRange(end - start, grain: 8) { range in
        for index in range {
          let result = result(files[start + index], alpha)
          results.withLock { $0[start + index] = result }
        }
      }
      try progress(end, files.count)
    }
    return results.withLock { $0.compactMap(\.self) }
  }

  private static func result(_ file: String, _ alpha: RGBImage.AlphaPolicy) -> Result<ImageFileCheck, ArtifactError> {
    do {
      let check = try ImageFileCheck(file)
      if check.hasAlpha, alpha == .refuse {
        return .failure(.unsupported(path: file, detail: "it has transparency (dd2 fid: --alpha drop forgets it)"))
      }
      return .success(check)
    } catch let error as ArtifactError {
      return .failure(error)
    } catch {
      return .failure(.corrupt(path: file, detail: "\(error)"))
    }
  }
}
