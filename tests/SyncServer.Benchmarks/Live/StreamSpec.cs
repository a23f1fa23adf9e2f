namespace SyncServer.Benchmarks.Live;

/// <summary>What the process of listeners is told before it begins.</summary>
/// <param name="Waits">Whether listeners are long polls (<c>Prefer: wait</c>) rather than streams.</param>
/// <param name="Port">Where the server listens on the loopback.</param>
/// <param name="Phones">How many principals there are.</param>
/// <param name="Secret">The key of their tokens.</param>
/// <param name="Seed">Of all ids: with one of an earlier process, its ops would be made again, and be replays.</param>
internal sealed record StreamSpec(bool Waits, int Port, int Phones, byte[] Secret, int Seed);

/// <summary>Deliveries of one run, in microseconds from the first byte of a push to the change at a listener.</summary>
/// <param name="Pushes">How many pushes were made, one after the other.</param>
/// <param name="PushP50">To the push's own answer.</param>
/// <param name="P50">To the event.</param>
/// <param name="P99">The same.</param>
internal sealed record StreamWindow(long Pushes, double PushP50, double P50, double P99);
