import ArgumentParser
import Artifacts

/// `dd2 weights fetch`: downloads published weights.
struct WeightsFetchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch", abstract: "Download published weights that weights-manifest.json names.",
    discussion: """
      Example: dd2 weights fetch var-d16 var-vae

      With the curl program, into the folder DD2_WEIGHTS, else weights/. An interrupted download continues when the \
      command is run again. Size and hash are compared with the manifest; a hash that nobody publishes is recorded at \
      the first download, in NAME.fetched.json, and holds from then on. Prints the paths of the files.
      """)

  @Argument(help: "Names of entries; 'dd2 weights list' shows them.")
  var names: [String]

  @Option(
    help: ArgumentHelp("The manifest (default: the one that comes with dd2).", valueName: "file"), completion: .file())
  var manifest: String?

  @Flag(help: "Keep a file whose hash differs from one that the manifest marks as unconfirmed.")
  var acceptUnconfirmed = false

  func run() throws {
    let manifest = try WeightsManifest(reading: try manifest ?? BundledModels.manifestPath())
    let entries = try names.map(manifest.entry(named:))
    if let bundled = entries.first(where: { $0.urls.isEmpty }) {
      throw CommandFailure(.usage, "\(bundled.name): comes with dd2, there is nothing to fetch; leave it out")
    }
    let interrupts = Interrupts()
    for entry in entries { try fetch(entry, interrupts) }
  }

  private func fetch(_ entry: WeightsManifest.Entry, _ interrupts: Interrupts) throws {
    let fetch = WeightsFetch(entry, folder: WeightsFolder.path, acceptsUnconfirmed: acceptUnconfirmed)
    let result = try FetchProgress.run(fetch, entry, interrupts)
    switch result {
    case .present(let sha256): Log.info("\(entry.name): there already, sha256 \(sha256) as expected")
    case .verified(let sha256): Log.info("\(entry.name): sha256 \(sha256) as expected")
    case .recorded(let sha256):
      Log.info(
        "\(entry.name): no confirmed hash is published; sha256 \(sha256) is recorded in "
          + "\(FetchRecord.path(of: fetch.path)) and holds from now on")
    }
    try Console.result(fetch.path)
  }
}
