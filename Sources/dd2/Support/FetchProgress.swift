import Artifacts

/// The progress of one download, in megabytes.
struct FetchProgress {
  private let entry: WeightsManifest.Entry
  private var meter: ProgressMeter?

  private static let megabyte = 1_000_000

  private init(_ entry: WeightsManifest.Entry) { self.entry = entry }

  /// Fetches an entry's file.
  /// - Throws: as `WeightsFetch.run`, and `CommandFailure` once a signal has come: what came is kept.
  static func run(
    _ fetch: WeightsFetch, _ entry: WeightsManifest.Entry, _ interrupts: Interrupts
  ) throws -> WeightsFetch.Result {
    var progress = FetchProgress(entry)
    defer { progress.close() }
    return try fetch.run { event in
      progress.show(event)
      guard interrupts.flag.isRaised else { return }
      progress.close()
      throw CommandFailure(
        .interrupted,
        "\(entry.name): interrupted, what came is in \(fetch.path).part; run the command again to continue")
    }
  }

  private mutating func show(_ event: WeightsFetch.Event) {
    switch event {
    case .started(let url, let bytes):
      Log.info(bytes > 0 ? "\(url): continuing after \(bytes) bytes" : url)
      // Nothing to measure against where the manifest knows no size.
      meter = (entry.bytes ?? entry.payloadBytes).map {
        ProgressMeter(entry.name, total: max(1, $0 / Self.megabyte), unit: "MB", initial: bytes / Self.megabyte)
      }
    case .received(let bytes): meter?.update(bytes / Self.megabyte)
    case .restarted: note("the server cannot continue a download: from the beginning")
    case .failed(let url, let reason): note("\(url): \(reason)")
    }
  }

  private func close() { meter?.close() }

  private func note(_ text: String) { if let meter { meter.note(text) } else { Log.info(text) } }
}
