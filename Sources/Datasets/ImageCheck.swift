import Artifacts
import Processes
import Synchronization
import TensorCore

/// The check of many image files before any work with them.
enum ImageCheck {
  /// A file's result, as processes exchange it.
  private enum Finding: Codable {
    case sound(ImageFileCheck)
    case bad(ArtifactError)

    init(_ result: Result<ImageFileCheck, ArtifactError>) {
      switch result {
      case .success(let check): self = .sound(check)
      case .failure(let error): self = .bad(error)
      }
    }

    var result: Result<ImageFileCheck, ArtifactError> {
      switch self {
      case .sound(let check): .success(check)
      case .bad(let error): .failure(error)
      }
    }
  }

  /// As `results(_:alpha:progress:)`, each process of the job checking a part of the files; all get all.
  static func sharedResults(
    _ files: [String], alpha: RGBImage.AlphaPolicy, progress: (Int, Int) throws -> Void
  ) rethrows -> [Result<ImageFileCheck, ArtifactError>] {
    let group = ProcessGroup.current
    guard !group.isAlone else { return try results(files, alpha: alpha, progress: progress) }
    let part = (files.count + group.size - 1) / group.size
    let own = try results(Array(files.dropFirst(group.rank * part).prefix(part)), alpha: alpha) { done, _ in
      try progress(min(done * group.size, files.count), files.count)
    }
    return group.gather(own.map(Finding.init)).joined().map(\.result)
  }

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
