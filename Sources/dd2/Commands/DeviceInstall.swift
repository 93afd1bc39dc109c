import ArgumentParser
import Artifacts
import XLADevice

/// `dd2 device install`: fetches a plugin and the libraries that it needs.
struct DeviceInstall: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install", abstract: "Fetch what a device takes from PyPI: XLA's plugin and its libraries.",
    discussion: """
      Example: dd2 device install cuda13

      With the curl program, into dd2/plugins in XDG_DATA_HOME, else in ~/.local/share. Versions and hashes are those of \
      plugins-manifest.json. An interrupted installation continues when the command is run again. A driver, and for rocm7 \
      ROCm in /opt/rocm, must be there. Prints the folder.
      """)

  @Argument(help: "What to install: cpu (for --device xla-cpu), cuda13, cuda12, rocm7 or tpu.")
  var name: String

  @Flag(help: "Leave out libraries that only running takes: enough to compile for a device that is not there.")
  var compileOnly = false

  @Option(
    help: ArgumentHelp("The manifest (default: the one that comes with dd2).", valueName: "file"), completion: .file())
  var manifest: String?

  func run() throws {
    #if !arch(x86_64)
      throw CommandFailure(.unavailable, "plugins are listed for x86_64 only; install one with pip (docs/devices.md)")
    #endif
    let manifest = try WeightsManifest(reading: try manifest ?? BundledModels.manifestPath(Self.manifestName))
    let family = manifest.entries.filter { $0.family == name }
    guard !family.isEmpty else {
      var names: [String] = []
      for entry in manifest.entries where !names.contains(entry.family) { names.append(entry.family) }
      throw CommandFailure(
        .usage,
        "\(name): no device; \(NearestName.question(name, among: names))choose one of \(names.joined(separator: ", "))")
    }
    guard let plugins = PluginSearch().folder else {
      throw CommandFailure(.cannotCreate, "no home folder is known; set XDG_DATA_HOME")
    }
    let installation = PluginInstallation(
      family.filter { !compileOnly || $0.kind != "library" }, folder: plugins + "/" + name)
    if try !installation.run(Interrupts()) { Log.info("\(name): there already, in these versions") }
    try Console.result(installation.folder)
  }

  private static let manifestName = "plugins-manifest.json"
}
