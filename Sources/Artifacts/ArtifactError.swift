/// What can go wrong with a file, named precisely enough to be mended: `description` is one line that says
/// what is wrong, where, and what to do.
public enum ArtifactError: Error, Codable, Equatable, Sendable {
  /// Nothing is at `path`.
  case missingFile(path: String)
  /// Published weights were not fetched; `name` is what they are fetched by.
  case missingWeights(path: String, name: String)
  /// Something is at `path`, but the system does not let it be read.
  case notReadable(path: String, detail: String)
  /// The file has the right format and damaged contents.
  case corrupt(path: String, detail: String)
  /// The file is something else than what was asked for.
  case wrongFormat(path: String, detail: String)
  /// The file is sound and uses something that dd2 does not read.
  case unsupported(path: String, detail: String)
  /// The file claims contents that do not fit into memory.
  case tooLarge(path: String, detail: String)
  /// The file or folder cannot be made.
  case cannotCreate(path: String, detail: String)
  /// Another process works in the folder, or with the file.
  case inUse(path: String)
  /// An HDF5 file whose writer has not closed it.
  case leftOpen(path: String)
  /// A run's folder of checkpoints holds some, and none can be read; `detail` says what is wrong with the last.
  case noSoundCheckpoint(path: String, detail: String)
  /// Reading or writing failed midway: a full disk, a lost network share.
  case inputOutput(path: String, detail: String)
  /// The HDF5 file has no such dataset or group.
  case missingDataset(path: String, name: String)
  /// An array is there with another shape.
  case wrongShape(path: String, name: String, expected: [Int], found: [Int])
  /// Something on the network cannot be had now.
  case unavailable(source: String, detail: String)
  /// What came over the network is not what was asked for; it is not kept.
  case wrongDownload(source: String, detail: String)
  /// The weights manifest has no such entry.
  case missingEntry(path: String, name: String, known: [String])
  /// A pickle asks for something that no tensor needs and that could run a program; nothing of it was run.
  case forbiddenGlobal(path: String, name: String)
  /// A file holds several things of which one is wanted.
  case ambiguous(path: String, found: [String])
  /// `name` cannot be used as the name of a dataset or attribute.
  case invalidName(path: String, name: String, detail: String)
  /// A metric became NaN or infinite.
  case nonFinite(path: String, name: String, value: String)

  /// What is wrong with the file's contents, so that an older copy may serve in its place; nil for other errors.
  public var damage: String? {
    switch self {
    case .corrupt(_, let detail), .tooLarge(_, let detail): detail
    case .missingDataset(_, let name): "there is no \(name) in it"
    default: nil
    }
  }

  /// The exit status of a command that ends with this error, after sysexits(3).
  public var exitCode: Int32 {
    switch self {
    case .missingFile, .notReadable: 66
    case .missingEntry: 64
    case .corrupt, .wrongFormat, .unsupported, .tooLarge, .missingDataset, .wrongShape, .forbiddenGlobal,
      .ambiguous, .wrongDownload, .leftOpen, .noSoundCheckpoint:
      65
    case .unavailable, .missingWeights: 69
    case .cannotCreate, .inUse: 73
    case .inputOutput: 74
    case .invalidName, .nonFinite: 70
    }
  }
}

extension ArtifactError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missingFile(let path):
      "\(path): no such file; check the path"
    case .missingWeights(let path, let name):
      "\(path): no such file; run 'dd2 weights fetch \(name)', or set DD2_WEIGHTS to the folder that holds it"
    case .notReadable(let path, let detail):
      "\(path): cannot be read (\(detail)); check the path and its permissions"
    case .corrupt(let path, let detail):
      "\(path): damaged file (\(detail)); restore it from its source or an older checkpoint"
    case .wrongFormat(let path, let detail):
      "\(path): \(detail); give a file of the expected format"
    case .unsupported(let path, let detail):
      "\(path): \(detail), which dd2 does not read; convert the file"
    case .tooLarge(let path, let detail):
      "\(path): \(detail); check that the file is what you expect"
    case .cannotCreate(let path, let detail):
      "\(path): cannot be created (\(detail)); choose another place"
    case .inUse(let path):
      "\(path): another process is at work there; wait for it, or choose another place"
    case .leftOpen(let path):
      "\(path): a program that writes it has it open, or ended without closing it; let it end, or mend the file with "
        + "HDF5's own 'h5clear -s'"
    case .noSoundCheckpoint(let path, let detail):
      "\(path): no checkpoint in it can be read (\(detail)); restore one, or remove the folder to begin this stage anew"
    case .inputOutput(let path, let detail):
      "\(path): input or output failed (\(detail)); check the disk's space and health"
    case .missingDataset(let path, let name):
      "\(path): there is no \(name) in the file; check that it is of the expected kind"
    case .wrongShape(let path, let name, let expected, let found):
      "\(path): \(name) has shape \(found) where \(expected) is expected; check that model and file match"
    case .unavailable(let source, let detail):
      "\(source): \(detail)"
    case .wrongDownload(let source, let detail):
      "\(source): \(detail), and is not kept; check the address, or fetch it again"
    case .missingEntry(let path, let name, let known):
      "\(path): no entry named \(name); \(NearestName.question(name, among: known))choose one of "
        + known.joined(separator: ", ")
    case .forbiddenGlobal(let path, let name):
      "\(path): its pickle asks for \(name), which no tensor needs (nothing was run); save a plain state dictionary"
    case .ambiguous(let path, let found):
      "\(path): no single state dictionary (found: \(found.joined(separator: ", "))); say which one is meant"
    case .invalidName(let path, let name, let detail):
      "\(path): the name \"\(name)\" cannot be stored (\(detail)); choose another"
    case .nonFinite(let path, let name, let value):
      "\(path): the metric \(name) became \(value); lower the learning rate or resume an older checkpoint"
    }
  }
}
