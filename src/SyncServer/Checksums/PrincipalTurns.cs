using System.Runtime.InteropServices;

namespace SyncServer.Checksums;

/// <summary>Each principal does one thing at a time; up to <paramref name="waiting"/> more of its own wait for their turn.</summary>
internal sealed class PrincipalTurns(int waiting)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Line> _lines = new(StringComparer.Ordinal);

    /// <summary>The turn, to be given back by disposing it once; null where as many of the principal's wait as may.</summary>
    public async Task<IDisposable?> TakeAsync(string principal, CancellationToken cancellation)
    {
        if (Join(principal) is not { } line)
        {
            return null;
        }

        try
        {
            await line.Turn.WaitAsync(cancellation);
        }
        catch
        {
            Leave(line);
            throw;
        }

        return new Place(this, line);
    }

    private Line? Join(string principal)
    {
        lock (_gate)
        {
            ref var line = ref CollectionsMarshal.GetValueRefOrAddDefault(_lines, principal, out _);
            line ??= new Line(principal);
            if (line.Length > waiting)
            {
                return null;
            }

            line.Length++;
            return line;
        }
    }

    private void Leave(Line line)
    {
        lock (_gate)
        {
            if (--line.Length == 0)
            {
                _lines.Remove(line.Principal);
                line.Turn.Dispose();
            }
        }
    }

    /// <summary>Who has the turn and who waits for it; it is there for as long as anybody does.</summary>
    private sealed class Line(string principal)
    {
        public string Principal => principal;

        public SemaphoreSlim Turn { get; } = new(1);

        /// <summary>Both together.</summary>
        public int Length { get; set; }
    }

    private sealed class Place(PrincipalTurns turns, Line line) : IDisposable
    {
        public void Dispose()
        {
            line.Turn.Release();
            turns.Leave(line);
        }
    }
}
