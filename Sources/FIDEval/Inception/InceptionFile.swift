import Artifacts
import Foundation

/// Inception-V3's weights in files: PyTorch's, as pytorch-fid publishes them, or ours after `dd2 weights import`.
public enum InceptionFile {
  /// The checkpoint kind of our file.
  public static let kind = "features"
  /// What our file's configuration says.
  static let configuration = #"{"network":"inception-v3-fid"}"#
  /// The entry of the weights manifest.
  public static let manifestName = "inception-fid"
  /// The published file.
  public static let publishedName = "pt_inception-2015-12-05-6726825d.pth"
  /// SHA-256 of the published file.
  public static let publishedHash = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
  /// The imported file's customary name.
  public static let importedName = "inception.h5"
  private static let hashKey = "source_sha256"

  /// Where the weights are: the published file in the folder of fetched weights, or `inception.h5` there.
  /// Throws `ArtifactError.missingWeights` where neither is.
  public static func locate(in folder: String = WeightsFolder.path) throws -> String {
    let paths = [publishedName, importedName].map { folder + "/" + $0 }
    guard let path = paths.first(where: FileAccess.exists) else {
      throw ArtifactError.missingWeights(path: paths[0], name: manifestName)
    }
    return path
  }

  /// Reads the weights from either form; whatever has another layout than Inception-V3's fails, naming the entry.
  /// Throws `ArtifactError`.
  public static func read(_ path: String) throws -> InceptionWeights {
    guard try FileKind(ofFile: path) == .hdf5 else {
      let network = try arrays(try WeightsFile.open(path).stateDictionary().unwrapped()).network()
      return InceptionWeights(hash: try WeightsManifest.sha256(ofFile: path), network: network)
    }
    let header = try Checkpoint.load(from: path, expectingKind: kind, groups: [])
    guard header.config == configuration else {
      throw ArtifactError.wrongFormat(path: path, detail: "a feature network other than Inception-V3")
    }
    guard let hash = header.metadata[hashKey] else {
      throw ArtifactError.corrupt(path: path, detail: "the attribute \(hashKey) is missing")
    }
    let file = try HDF5File(reading: path)
    let prefix = "/parameters/"
    let names = try file.datasetNames(under: "/parameters").map { String($0.dropFirst(prefix.count)) }
    let shapes = try Dictionary(uniqueKeysWithValues: names.map { ($0, try file.shape(of: prefix + $0)) })
    let network = try InceptionArrays(path: path, shapes: shapes) { try file.read(prefix + $0) }.network()
    return InceptionWeights(hash: hash, network: network)
  }

  /// Whether a file of weights is of this network, by a name that no other has.
  public static func recognizes(_ weights: WeightsFile) -> Bool {
    weights.plainNames().values.contains { $0.hasSuffix("Mixed_7c.branch_pool.conv.weight") }
  }

  /// Writes PyTorch's file as ours, which records its hash: features of both have the same provenance.
  /// - Parameters:
  ///   - createdBy: the program and its version.
  ///   - metadata: further facts.
  /// - Returns: the source's hash.
  /// - Throws: `ArtifactError`; no file is left then.
  @discardableResult
  public static func convert(
    _ source: WeightsFile, to path: String, createdBy: String, metadata: [String: String] = [:]
  ) throws -> String {
    let weights = try source.stateDictionary().unwrapped()
    _ = try arrays(weights).network()
    let hash = try WeightsManifest.sha256(ofFile: source.path)
    let facts = [hashKey: hash, "source": source.path.pathName]
    let file = Checkpoint(
      kind: kind, config: configuration, createdBy: createdBy, metadata: metadata.merging(facts) { $1 })
    let names = weights.entries.map(\.name).filter { !$0.hasSuffix(InceptionArrays.counterSuffix) }
    try file.write(to: path, adding: ["parameters": names]) { try weights.array($1) }
    return hash
  }

  private static func arrays(_ weights: WeightsFile) throws -> InceptionArrays {
    InceptionArrays(
      path: weights.path, shapes: Dictionary(uniqueKeysWithValues: weights.entries.map { ($0.name, $0.shape) }),
      read: weights.array)
  }
}
