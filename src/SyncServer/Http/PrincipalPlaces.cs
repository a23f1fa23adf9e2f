using System.Runtime.InteropServices;

namespace SyncServer.Http;

/// <summary>
/// How many of one kind of work each principal has under way at this server, which is never more than <paramref name="most"/>; up to
/// <paramref name="waiting"/> more of its own wait for a place, in the order in which they came.
/// </summary>
internal sealed class PrincipalPlaces(int most, int waiting)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Line> _lines = new(StringComparer.Ordinal);

    /// <summary>A place, to be given back by disposing it once; null where as many of the principal's wait as may.</summary>
    public async Task<IDisposable?> TakeAsync(string principal, CancellationToken cancellation)
    {
        if (Join(principal) is not { } line)
        {
            return null;
        }

        try
        {
            await line.Places.WaitAsync(cancellation);
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
            line ??= new Line(principal, most);
            if (line.Length >= most + waiting)
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
                line.Places.Dispose();
            }
        }
    }

    /// <summary>Who has a place and who waits for one; it is there for as long as anybody does.</summary>
    private sealed class Line(string principal, int most)
    {
        public string Principal => principal;

        public SemaphoreSlim Places { get; } = new(most);

        /// <summary>Both together.</summary>
        public int Length { get; set; }
    }

    private sealed class Place(PrincipalPlaces places, Line line) : IDisposable
    {
        public void Dispose()
        {
            line.Places.Release();
            places.Leave(line);
        }
    }
}
