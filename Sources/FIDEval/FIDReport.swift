/// What was measured of images against a reference.
package struct FIDReport: Encodable {
  /// A score with the deviation of its parts.
  package struct Score: Encodable {
    package let mean: Double
    package let deviation: Double
    /// Parts that the images were split into, for the Inception Score.
    package var splits: Int?
    /// Random subsets and their images, for KID.
    package var subsets: Int?
    package var subsetSize: Int?
  }

  /// The images of one side.
  package struct Side: Encodable {
    /// Images behind the statistics; nil where their file does not say.
    package var count: Int?
    /// Images whose features were compared one by one, where they are not those behind the statistics.
    package var featureCount: Int?
    /// Files left out with --skip-bad.
    package var skipped: Int?
    /// Images brought to the size of --resize.
    package var resized: Int?
    /// Images that are JPEG files.
    package var jpeg: Int?
    package var width: Int?
    package var height: Int?
    package var imagesPerSecond: Double?
    /// Whether the statistics come from the cache.
    package var cached: Bool?
  }

  package var fid: Double?
  package var sfid: Double?
  package var inceptionScore: Score?
  package var kid: Score?
  package var precision: Double?
  package var recall: Double?
  /// k of precision and recall.
  package var neighbours: Int?

  /// Images behind each side's numbers; nil where statistics do not say.
  package var count: Int?
  package var imagesDetails = Side()
  package var referenceCount: Int?
  package var referenceDetails: Side?
  package var warnings: [String] = []
}
