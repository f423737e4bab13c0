/** Stands for the database of the sample: what both instances of it share. */
export class Notes {
  private readonly rows = new Map<string, string>([['1', 'first']]);
  reads = 0;

  find(id: string): Promise<{ id: string; text: string | null }> {
    this.reads++;
    return Promise.resolve({ id, text: this.rows.get(id) ?? null });
  }

  words(): Promise<number> {
    this.reads++;
    return Promise.resolve([...this.rows.values()].join(' ').split(' ').length);
  }

  save(id: string, text: string): Promise<void> {
    this.rows.set(id, text);
    return Promise.resolve();
  }
}
