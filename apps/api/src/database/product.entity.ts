import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, UpdateDateColumn, VersionColumn } from 'typeorm';

/** PostgreSQL hands `numeric` over as text; two decimals below 10 million are exact as a double. */
const PRICE = { to: (price: number): string => price.toFixed(2), from: (text: string): number => Number(text) };

/** A product as stored. */
@Entity({ name: 'products' })
export class ProductEntity {
  @PrimaryGeneratedColumn('identity', { generatedIdentity: 'BY DEFAULT' })
  id!: number;

  @Column({ type: 'varchar', length: 200 })
  name!: string;

  @Column({ type: 'varchar', length: 5000, default: '' })
  description!: string;

  @Column({ type: 'numeric', precision: 9, scale: 2, transformer: PRICE })
  price!: number;

  @Column({ type: 'varchar', length: 50 })
  category!: string;

  @Column({ name: 'in_stock', type: 'boolean', default: true })
  inStock!: boolean;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', precision: 3 })
  createdAt!: Date;

  @UpdateDateColumn({ name: 'updated_at', type: 'timestamptz', precision: 3 })
  updatedAt!: Date;

  /** Raised by each write; not part of the answer. */
  @VersionColumn()
  version!: number;
}
