import ArgumentParser
import Artifacts
import Foundation
import Training

/// Commands about the files of weights that dd2 knows.
struct Weights: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List, fetch, verify and import files of weights.",
    subcommands: [WeightsList.self, WeightsFetchCommand.self, WeightsVerify.self, WeightsImport.self])
}

/// Which manifest.
struct ManifestOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The manifest (default: the one that comes with dd2).", valueName: "file"), completion: .file())
  var manifest: String?

  @Flag(help: "Print JSON.")
  var json = false

  /// Reads the manifest and the folder that its paths are relative to.
  func load() throws -> (manifest: WeightsManifest, root: String) {
    let path = try manifest ?? BundledModels.manifestPath()
    let root = path.pathFolder
    return (try WeightsManifest(reading: path), root)
  }
}

/// `dd2 weights list`: the entries of the manifest.
struct WeightsList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the weights in weights-manifest.json.", discussion: "Example: dd2 weights list"
  )

  @OptionGroup var options: ManifestOptions

  func run() throws {
    let manifest = try options.load().manifest
    guard !options.json else { return try Console.result(json: manifest) }
    let rows = manifest.entries.map { entry in
      [
        entry.name, entry.family, entry.kind, entry.bytes.map { "\($0)" } ?? "-", entry.license,
        entry.path ?? entry.urls.first ?? "-",
      ]
    }
    try Console.result(
      TextTable([["NAME", "FAMILY", "KIND", "BYTES", "LICENSE", "FILE"]] + rows).description)
  }
}

/// `dd2 weights verify`: compares files with their published hashes.
struct WeightsVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Compare bundled and fetched files with the hashes in weights-manifest.json.",
    discussion: "Example: dd2 weights verify")

  @Argument(help: "Names of entries (default: all bundled ones).")
  var names: [String] = []

  @OptionGroup var options: ManifestOptions

  private struct Outcome: Encodable {
    let name: String
    let path: String
    let ok: Bool
    let detail: String
  }

  func run() throws {
    let (manifest, root) = try options.load()
    let entries =
      try names.isEmpty ? manifest.entries.filter { $0.path != nil } : names.map(manifest.entry(named:))
    let results = try entries.map {
      (entry: $0, result: try WeightsManifest.verify($0, root: $0.path == nil ? WeightsFolder.path : root))
    }
    let outcomes = results.map { entry, result in
      Outcome(
        name: entry.name, path: entry.relativePath, ok: result.isUsable, detail: Self.text(result))
    }
    if options.json {
      try Console.result(json: outcomes)
    } else {
      let rows = outcomes.map { [$0.ok ? "ok" : "FAILED", $0.name, $0.path, $0.detail] }
      try Console.result(TextTable(rows).description)
    }
    guard let bad = results.first(where: { !$0.result.isUsable }) else { return }
    var isMissing = false
    if case .missing = bad.result { isMissing = true }
    let status = isMissing ? ExitStatus.missingInput : .badData
    let (folder, remedy) =
      bad.entry.path == nil
      ? (WeightsFolder.path, (isMissing ? "" : "remove it and ") + "run 'dd2 weights fetch \(bad.entry.name)'")
      : (root, "restore it with 'git checkout', or train it anew")
    throw CommandFailure(status, "\(folder)/\(bad.entry.relativePath): \(Self.text(bad.result)); \(remedy)")
  }

  private static func text(_ result: WeightsManifest.VerificationResult) -> String {
    switch result {
    case .verified(let sha256): "sha256 \(sha256)"
    case .unpublished(let sha256, let bytes): "no published hash; \(bytes) bytes, sha256 \(sha256)"
    case .missing: "no such file"
    case .wrongSize(_, let expected, let found): "has \(found) bytes where \(expected) are expected"
    case .wrongHash(_, let expected, let found): "has sha256 \(found) where \(expected) is expected"
    }
  }
}
